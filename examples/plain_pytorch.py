"""A PyTorch loop that survives kills; `plain_pytorch.py RUN_DIR ITERATIONS` starts or resumes."""

import copy
import sys
from functools import partial
from pathlib import Path

from blobmaster.run.session import RunIdentity, RunSession

root, iterations, again = Path(sys.argv[1]), int(sys.argv[2]), " ".join(sys.argv)
with RunSession.open(root, command=again) as session:
    import torch  # takes seconds; requests and signals are received from the line above on

    torch.manual_seed(7)
    model = torch.nn.Linear(64, 8)
    optimizer = torch.optim.Adam(model.parameters())
    sine = RunIdentity(run_id="sine", project="Sine", architecture=1, parameters=520, seed=7)
    newest, meta = session.store.newest_valid()[0], None
    if newest is not None:
        file, meta = session.store.read(newest.path)
        weights, moments = torch.load(file, weights_only=True)
        model.load_state_dict(weights)
        optimizer.load_state_dict(moments)
    session.begin(sine, iterations, meta, resume_command=again)
    for iteration in range(session.first_iteration, iterations):
        session.step("learning", total=100, unit="batches")
        for x in torch.randn(100, 32, 64, generator=torch.Generator().manual_seed(iteration)):
            loss = (model(x) - torch.sin(x[:, :8])).square().mean()
            model.zero_grad()
            loss.backward()
            optimizer.step()
            session.advance()
        state = copy.deepcopy([model.state_dict(), optimizer.state_dict()])
        session.commit(iteration, partial(torch.save, state), metrics={"loss": loss.item()})
        if session.pause_requested:
            break
    else:
        session.finish()
sys.exit(session.exit_status)

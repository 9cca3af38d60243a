"""A plain PyTorch loop made safe: kill it, pause it, start it again, and it goes on exactly."""

import copy
import functools
import sys
from pathlib import Path

from blobmaster.run.session import RunIdentity, RunSession

root, iterations, again = Path(sys.argv[1]), int(sys.argv[2]), " ".join(sys.argv)
with RunSession.open(root, command=again) as session:
    import torch  # takes seconds; requests and signals are heard from the line above on

    torch.manual_seed(7)
    model = torch.nn.Linear(64, 8)
    optimizer = torch.optim.Adam(model.parameters())
    sine = RunIdentity(run_id="sine", project="Sine", architecture=1, parameters=520, seed=7)
    newest, meta, first = session.store.newest_whole()[0], None, 0
    if newest is not None:
        file, meta = session.store.read(newest.path)
        weights, moments, noise = torch.load(file, weights_only=True)
        model.load_state_dict(weights)
        optimizer.load_state_dict(moments)
        torch.set_rng_state(noise)
        first = meta.iteration + 1
    session.begin(sine, iterations, meta, resume_command=again)
    for iteration in range(first, iterations):
        session.step("learning", total=100, unit="batches")
        for x in torch.randn(100, 32, 64):
            loss = (model(x) - torch.sin(x[:, :8])).square().mean()
            model.zero_grad()
            loss.backward()
            optimizer.step()
            session.advance()
        state = [model.state_dict(), optimizer.state_dict(), torch.get_rng_state()]
        write = functools.partial(torch.save, copy.deepcopy(state))
        session.commit(iteration, write, metrics={"loss": loss.item()})
        if session.pause_requested:
            break
    else:
        session.finish()
sys.exit(session.exit_status)

"""Fast evaluation of the network: number formats, CPU plans, CUDA graphs, stepping."""

"""How the agent gets into a process: the command, sitecustomize and the import hook."""

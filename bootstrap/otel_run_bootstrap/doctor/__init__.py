"""`otel-run doctor`: what would be recorded of a program, and where it would go.

The command (`command.py`) finds the Python that a program would run (`target.py`), and starts it
as it would start the program, with `start.py` in the place of the program. There the agent has been
loaded as in the program; `probe.py` looks around and sends back a document. The command draws the
conclusion (`verdict.py`) and shows it (`page.py`), or the document itself.
"""

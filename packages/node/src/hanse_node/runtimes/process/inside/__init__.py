"""Programs that stand beside or inside one run, each started as `python -I -S`.

Their start is part of every run's latency. So they import C modules (`_socket`, `marshal`) and not what wraps them:
`socket`, `json`, `signal` and `subprocess` cost 9 to 23 ms each, as much as the interpreter itself or more.
They also run under whatever Python an algorithm brings, and therefore use nothing newer than 3.10.
"""

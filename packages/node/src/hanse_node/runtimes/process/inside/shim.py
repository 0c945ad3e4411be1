"""Supervise one run, apart from the node: it goes on when the node is killed, and writes down how the run ended.

State folder (the run itself cannot reach it): `plan` (read once, then removed), `process`, `control` (a named pipe; any
byte ends the run), `log`, and at last `exit`.
"""

import marshal
import os
import select
import stat
import sys
import time

from . import enter, forwarder
from .log import Log
from .processes import descendants, identity

READY = 11
"""Descriptor through which the sandboxed side tells that the algorithm has been started."""
REPORT = 3
"""Descriptor through which the node is told the same."""
LISTENER = 4
"""Descriptor of the listening socket, without a sandbox."""
START_SECONDS = 30
WATCH_SECONDS = 0.2
"""A process count makes no event, so it is looked at this often, where a limit is set."""
KILL = 9
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CHUNK = 1 << 20


class Prctl:
    """The one system call that the standard library does not offer."""

    def __init__(self) -> None:
        import ctypes

        self._call = ctypes.CDLL(None).prctl

    def __call__(self, option: int, value: int) -> None:
        self._call(option, value, 0, 0, 0)


class Run:
    """One run from its start to its exit file."""

    def __init__(self, state: str, plan: dict[str, object]) -> None:
        self.state = state
        self.plan = plan
        self.reason: str | None = None
        self.control = os.open(f"{state}/control", os.O_RDWR | os.O_NONBLOCK)
        self.log = Log(f"{state}/log", _number(plan, "log_bytes"))
        self.output, output_end = os.pipe()
        self.started, started_end = os.pipe()
        # Without a sandbox every child must die with this process; loading ctypes for that takes 6 ms.
        prctl = Prctl() if plan["open"] else None
        if prctl:
            self._spawn_forwarder(prctl)
        self.child = self._spawn(output_end, started_end, prctl)
        os.set_blocking(self.output, False)
        # Every orphan below becomes a child of this process, so that none escapes and none stays a zombie.
        (prctl or Prctl())(PR_SET_CHILD_SUBREAPER, 1)
        seconds = plan["seconds"]
        self.deadline = None if seconds is None else time.monotonic() + float(str(seconds))

    def _spawn(self, output_end: int, started_end: int, prctl: Prctl | None) -> int:
        child = os.fork()
        if child == 0:
            os.setsid()
            for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (output_end, 1), (output_end, 2)):
                os.dup2(source, target)
            os.dup2(started_end, READY)
            if prctl:
                prctl(PR_SET_PDEATHSIG, KILL)
            _execute(self.plan)
        os.close(output_end)
        os.close(started_end)
        return child

    def _spawn_forwarder(self, prctl: Prctl) -> None:
        if os.fork() == 0:
            prctl(PR_SET_PDEATHSIG, KILL)
            forwarder.keep_only(LISTENER)
            forwarder.serve(forwarder.adopt(LISTENER), str(self.plan["socket"]))
        os.close(LISTENER)

    def wait_for_start(self) -> str:
        """Return once the algorithm has been started; the text is empty, or says why it could not be."""
        poll = select.poll()
        poll.register(self.started, select.POLLIN)
        told = b""
        until = time.monotonic() + START_SECONDS
        while poll.poll(max(0, until - time.monotonic()) * 1000):
            data = os.read(self.started, 4096)
            if not data:
                return "" if told == enter.READY else self._why_not(told)
            told += data
        return f"the sandbox did not start within {START_SECONDS} s"

    def _why_not(self, told: bytes) -> str:
        text = told[len(enter.READY) :]
        if not text:
            poll = select.poll()
            poll.register(self.output, select.POLLIN)
            while poll.poll(1000) and (data := os.read(self.output, 4096)):
                text += data
        return text.decode(errors="replace").strip() or "the sandbox ended without a word"

    def supervise(self) -> int:
        """Return the exit code once the algorithm and all it started have ended, by themselves or by a limit."""
        ended = os.pidfd_open(self.child)
        poll = select.poll()
        for descriptor in (ended, self.control, self.output):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(self._pause())}
            if self.output in ready and not self._read_output():
                poll.unregister(self.output)
            if ended in ready:
                return end_everything(self.child)
            reason = "killed" if self.control in ready else self._exceeded()
            if reason:
                self.reason = reason
                return end_everything(self.child)

    def _pause(self) -> float | None:
        """Give the milliseconds until something must be looked at without an event."""
        pauses = [] if self.deadline is None else [max(0.0, self.deadline - time.monotonic())]
        if self.plan["processes"] is not None:
            pauses.append(WATCH_SECONDS)
        return min(pauses) * 1000 + 1 if pauses else None

    def _exceeded(self) -> str | None:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "time"
        most = self.plan["processes"]
        if isinstance(most, int) and len(descendants(os.getpid())) > most + (1 if self.plan["open"] else 3):
            return "processes"
        return None

    def _read_output(self) -> bool:
        """Take what the run printed; False once nobody can print any more."""
        try:
            data = os.read(self.output, CHUNK)
        except BlockingIOError:
            return True
        self.log.add(data)
        return bool(data)

    def finish(self, code: int) -> None:
        """Complete the log, look at the result, and write how the run ended."""
        while True:
            try:
                data = os.read(self.output, CHUNK)
            except BlockingIOError:
                break
            if not data:
                break
            self.log.add(data)
        self._check_result()
        if self.reason:
            self.log.say(f"ended by the node: {self.reason}")
        self.log.finish()
        reason = f'"{self.reason}"' if self.reason else "null"
        write_whole(f"{self.state}/exit", f'{{"code": {code}, "reason": {reason}}}')

    def _check_result(self) -> None:
        """Put an empty file in the place of a link, a pipe or too large a file: the node will read and send it."""
        path = str(self.plan["output"])
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            create_empty(path)
            return
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size <= _number(self.plan, "output_bytes"):
            return
        self.reason = self.reason or "output"
        os.rename(path, f"{path}.refused-{time.monotonic_ns()}")
        create_empty(path)


def _execute(plan: dict[str, object]) -> None:
    """Become the sandbox, or without one the algorithm itself."""
    try:
        command, environment = plan["command"], plan["environment"]
        assert isinstance(command, list) and isinstance(environment, dict)  # noqa: S101, PT018
        os.environ.clear()
        os.environ.update(environment)
        if plan["open"]:
            limits = plan["limits"]
            assert isinstance(limits, list)  # noqa: S101
            enter.become(command, READY, str(plan["folder"]), limits)
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        os.write(READY, enter.READY + str(error).encode())
    finally:
        os._exit(127)


def end_everything(child: int) -> int:
    """Kill and reap all descendants; give the exit code of one of them, which may have ended by itself."""
    code = 128 + KILL
    # A whole group ends at one stroke, which also ends what forks faster than one can look.
    kill(-child)
    while True:
        victims = descendants(os.getpid())
        for pid in victims:
            kill(pid)
        try:
            # A fork may slip through one look at /proc, so a look that found nobody must not wait for somebody.
            pid, status = os.waitpid(-1, 0 if victims else os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == child:
            code = exit_code(status)


def kill(number: int) -> None:
    """Kill a process, or with a negative number a group; it may have ended already."""
    try:
        os.kill(number, KILL)
    except ProcessLookupError:
        return


def exit_code(status: int) -> int:
    """Give the exit code as a shell would: 128 + n for signal n."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def write_whole(path: str, text: str) -> None:
    """Write a file so that it is there completely or not at all."""
    with open(f"{path}.part", "w") as file:
        file.write(text)
    os.rename(f"{path}.part", path)


def create_empty(path: str) -> None:
    """Create a file where there is nothing, and follow no link that a run may have left."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def _number(plan: dict[str, object], key: str) -> int:
    value = plan[key]
    assert isinstance(value, int)  # noqa: S101
    return value


def _report(text: str) -> None:
    """Tell the node; it may be gone, which is no reason to stop."""
    try:
        os.write(REPORT, text.encode())
        os.close(REPORT)
    except BrokenPipeError:
        pass


def main() -> None:
    """Carry out the plan in the state folder that the command line names."""
    state = sys.argv[1]
    os.setsid()
    os.umask(0o077)
    os.set_inheritable(REPORT, False)
    with open(f"{state}/plan", "rb") as file:
        plan = marshal.load(file)  # noqa: S302
    os.unlink(f"{state}/plan")
    # What the node inherited itself is not for algorithms.
    os.closerange(LISTENER + 1 if plan["open"] else LISTENER, forwarder.HIGHEST_DESCRIPTOR)
    pid = os.getpid()
    write_whole(f"{state}/process", f"{pid} {identity(pid)}")
    run = Run(state, plan)
    failure = run.wait_for_start()
    if failure:
        end_everything(run.child)
        _report(f"failed {failure}")
        os._exit(1)
    _report("started")
    run.finish(run.supervise())
    os._exit(0)

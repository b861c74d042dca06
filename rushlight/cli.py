"""The command line: `rushlight run script.py`, `rushlight new project`, `rushlight info`, ...

`run` behaves as `python script.py` does, with torch meaning rushlight.
"""

import os
import sys

_USAGE = """\
usage: rushlight run [-m module | -c code | script | -] [args ...]
       rushlight check path
       rushlight new name
       rushlight info
       rushlight shim [install [--importable] | remove] [--target folder]
       rushlight --version

run     runs a Python program in which `import torch` imports rushlight
check   lists the torch names that a file or folder uses and rushlight lacks; runs nothing of it
new     makes a folder with a small training project: data, model, checkpoints, resuming
info    tells what this installation is and what it found on this machine
shim    tells pip that torch is installed here, so that packages which require torch do not
        download it; with --importable, `import torch` is rushlight in this environment;
        `remove` or `pip uninstall torch` takes it back; alone, tells whether it is there
"""


def main(argv=None):
    """Runs one command and returns the exit status."""
    args = sys.argv[1:] if argv is None else list(argv)
    command, rest = args[0] if args else "", args[1:]
    if command in ("-h", "--help", "help") or rest[:1] in (["-h"], ["--help"]):
        print(_USAGE, end="")
        return 0
    if command in ("--version", "-V", "version"):
        from . import version

        print(f"rushlight {version.rushlight}")
        return 0
    actions = {"run": _run, "check": _check, "new": _new, "info": _info, "shim": _shim}
    if command not in actions:
        why = f"unknown command {command!r}" if command else "a command is missing"
        hint = f" (rushlight run {command}?)" if os.path.exists(command) else ""
        return _misused(why + hint)
    return actions[command](rest)


def _misused(why):
    """Says how the command line is to be used; the exit status of a wrong one."""
    print(f"rushlight: {why}\n{_USAGE}", end="", file=sys.stderr)
    return 2


def _one(args, what):
    """The only argument of a command, or None after saying that one is needed."""
    if len(args) == 1 and args[0][:1] not in ("-", ""):
        return args[0]
    _misused(f"{what} is needed, and nothing else")
    return None


# --- run -----------------------------------------------------------------------------------------


def _run(args):
    if not args:
        return _misused("run needs a program")
    if args[0].startswith("-") and args[0] not in ("-", "--", "-m", "-c"):
        return _misused(f"unknown option {args[0]} of run")
    from ._alias import as_torch

    as_torch()
    if args[0] == "-m":
        return _guarded(_run_module, args[1:], "-m")
    if args[0] == "-c":
        return _guarded(_run_code, args[1:], "-c")
    return _guarded(_run_script, args[1:] if args[0] == "--" else args, "run")


def _guarded(action, args, option):
    """Runs the program; an exception is printed as Python prints it, without our own frames."""
    if not args:
        print(f"Argument expected for the {option} option", file=sys.stderr)
        return 2
    try:
        return action(args)
    except SystemExit:
        raise
    except BaseException as e:
        kind, value, traceback = type(e), e, e.__traceback__
        while traceback is not None and _is_ours(traceback.tb_frame):
            traceback = traceback.tb_next
        sys.excepthook(kind, value.with_traceback(traceback), traceback)
        return 130 if kind is KeyboardInterrupt else 1


def _is_ours(frame):
    name = frame.f_code.co_filename
    return name == __file__ or name.startswith("<frozen runpy") or name.endswith("runpy.py")


def _set_path(entry):
    """The first entry of sys.path is the program's folder, where ours stood (unless -P or -I)."""
    if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
        sys.path[0] = entry


def _new_main(**names):
    """An empty `__main__` module, as a fresh interpreter has."""
    import builtins
    from types import ModuleType

    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __loader__=None, __spec__=None, **names)
    if sys.version_info < (3, 14):
        main.__dict__.setdefault("__annotations__", {})
    sys.modules["__main__"] = main
    return main.__dict__


def _run_script(args):
    path = args[0]
    sys.argv[:] = args
    if path == "-":
        _set_path("")
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), _new_main())
        return 0
    if os.path.isdir(path) or path.endswith((".zip", ".pyz", ".pyc")):
        import runpy

        runpy.run_path(path, run_name="__main__")
        return 0
    try:
        import io

        with io.open_code(os.path.abspath(path)) as f:
            source = f.read()
    except OSError as e:
        reason = f"[Errno {e.errno}] {e.strerror}"
        print(
            f"{sys.executable}: can't open file {os.path.abspath(path)!r}: {reason}",
            file=sys.stderr,
        )
        return 2
    from importlib.machinery import SourceFileLoader

    _set_path(os.path.dirname(os.path.realpath(path)))
    names = _new_main(__file__=os.path.abspath(path), __cached__=None)
    names["__loader__"] = SourceFileLoader("__main__", names["__file__"])
    exec(compile(source, names["__file__"], "exec", dont_inherit=True), names)
    return 0


def _run_code(args):
    sys.argv[:] = ["-c", *args[1:]]
    _set_path("")
    exec(compile(args[0], "<string>", "exec", dont_inherit=True), _new_main())
    return 0


def _run_module(args):
    import runpy

    sys.argv[:] = args
    _set_path(os.getcwd())
    try:
        runpy.run_module(args[0], run_name="__main__", alter_sys=True)
    except ImportError as e:
        # The module itself is missing, as opposed to something it imports.
        if not e.__traceback__ or not _only_ours(e.__traceback__):
            raise
        print(f"{sys.executable}: {e}", file=sys.stderr)
        return 1
    return 0


def _only_ours(traceback):
    while traceback is not None:
        if (
            not _is_ours(traceback.tb_frame)
            and "importlib" not in traceback.tb_frame.f_code.co_filename
        ):
            return False
        traceback = traceback.tb_next
    return True


def _check(args):
    from ._check import report

    path = _one(args, "the path of a file or a folder")
    if path is None:
        return 2
    try:
        text, good = report(path)
    except FileNotFoundError as error:
        print(f"rushlight check: {error}", file=sys.stderr)
        return 2
    print(text)
    return 0 if good else 1


def _new(args):
    from ._new import make

    path = _one(args, "a name for the project")
    if path is None:
        return 2
    try:
        files = make(path)
    except (FileExistsError, NotADirectoryError, PermissionError, ValueError) as error:
        print(f"rushlight new: {error}", file=sys.stderr)
        return 1
    from shlex import quote

    print(f"{path}: {len(files)} files\n")
    print(f"  cd {quote(path)}\n  rushlight run train.py --epochs 3\n  rushlight run test.py\n")
    print("README.md there tells what is where.")
    return 0


# --- shim ----------------------------------------------------------------------------------------


def _shim(args):
    from ._shim import main as shim

    status = shim(args)
    return _misused("shim takes no such arguments") if status is None else status


# --- info ----------------------------------------------------------------------------------------


def _info(args):
    if args:
        return _misused("info takes no arguments")
    print(_description())
    return 0


def _description():
    import platform

    import rushlight

    rows = {
        "rushlight": rushlight.version.rushlight,
        "follows": f"PyTorch {rushlight.version.torch}",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "location": os.path.dirname(rushlight.__file__ or ""),
    }
    build = getattr(rushlight._C, "_build_info", dict)()
    rows.update({str(k): v for k, v in build.items()})
    try:
        rows["threads"] = rushlight.get_num_threads()
    except NotImplementedError:  # a build without that function
        pass
    rows.update(rushlight.cuda._describe())
    width = max(map(len, rows))
    return "\n".join(f"{key.ljust(width)}  {value}" for key, value in rows.items())

"""Have llama.cpp's CLI read a .gguf file into memory (--no-mmap, so that all of it is read).

It is ready when it makes a context, which llama.cpp does once the model is loaded, and says.

loadstone run command --file MODEL.gguf --set command="python3 load_llama.py {file}" \
    --set ready=said
"""

import shutil
import subprocess
import sys

_PROGRAM = "llama-cli"
_OPTIONS = ("--no-mmap", "--no-warmup", "-no-cnv", "-n", "1", "-c", "64", "-p", "x")
# What it says first of a context; its name changed in 2025.
_CONTEXT = ("llama_context:", "llama_new_context_with_model:", "llama_init_from_model:")


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: load_llama.py FILE.gguf [OPTION OF llama-cli]...")
    program = shutil.which(_PROGRAM)
    if program is None:
        sys.exit(
            f"load_llama.py: no {_PROGRAM} in PATH: build https://github.com/ggml-org/llama.cpp "
            "(no pip package has it: pip install llama-cpp-python brings the library alone)"
        )
    command = [program, "-m", sys.argv[1], *_OPTIONS, *sys.argv[2:]]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        is_ready = False
        for line in process.stderr:
            sys.stderr.buffer.write(line)
            if not is_ready and line.decode(errors="replace").startswith(_CONTEXT):
                is_ready = True
                print("loadstone: ready", flush=True)
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()

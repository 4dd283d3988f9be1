"""Copy every tensor of a .safetensors file into an array of numpy's, as its library does.

loadstone run command --file MODEL.safetensors --set ready=said \
    --set command="python3 load_safetensors.py {file}"
"""

import sys


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: load_safetensors.py FILE.safetensors")
    try:
        import numpy  # noqa: F401  # what safetensors makes its arrays with
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        sys.exit(
            f"load_safetensors.py: this Python has no {error.name}: pip install safetensors numpy"
        )
    print("loadstone: loading", flush=True)
    try:
        # For numpy each is a copy, out of the mapped file.
        with safe_open(sys.argv[1], framework="np") as model:
            tensors = {name: model.get_tensor(name) for name in model.keys()}  # noqa: SIM118  # it is no mapping
    except SafetensorError as error:
        sys.exit(f"load_safetensors.py: {sys.argv[1]}: {error}")
    if not tensors:
        sys.exit(f"load_safetensors.py: {sys.argv[1]} has no tensor")
    print("loadstone: ready", flush=True)


if __name__ == "__main__":
    main()

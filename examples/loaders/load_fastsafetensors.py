"""Have fastsafetensors read a .safetensors file into tensors of torch's, on the CPU.

loadstone run command --file MODEL.safetensors --set ready=said \
    --set command="python3 load_fastsafetensors.py {file}"
"""

import sys


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: load_fastsafetensors.py FILE.safetensors")
    try:
        import torch  # noqa: F401  # what it makes its tensors with
        from fastsafetensors import SafeTensorsFileLoader
    except ModuleNotFoundError as error:
        sys.exit(
            f"load_fastsafetensors.py: this Python has no {error.name}: "
            "pip install fastsafetensors torch"
        )
    print("loadstone: loading", flush=True)
    # Without GPUDirect Storage, which the CPU has no use for.
    loader = SafeTensorsFileLoader(pg=None, device="cpu", nogds=True)
    loader.add_filenames({0: [sys.argv[1]]})
    model = loader.copy_files_to_device()
    tensors = {name: model.get_tensor(name) for name in loader.get_keys()}
    if not tensors:
        sys.exit(f"load_fastsafetensors.py: {sys.argv[1]} has no tensor")
    print("loadstone: ready", flush=True)


if __name__ == "__main__":
    main()

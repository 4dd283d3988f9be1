"""Have safetensors map a file into tensors of torch's, and touch each page; or copy each tensor.

safetensors itself reads nothing for torch: its tensors are the mapped file.

loadstone run command --file MODEL.safetensors --set ready=said \
    --set command="python3 load_torch.py {file} touch"
"""

import sys

_WAYS = ("touch", "copy")
_LEAST_PAGE_BYTES = 4096


def main() -> None:
    if len(sys.argv) not in (2, 3) or sys.argv[2:3] not in ([], *([way] for way in _WAYS)):
        sys.exit(f"usage: load_torch.py FILE.safetensors [{'|'.join(_WAYS)}]")
    try:
        import torch
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        sys.exit(f"load_torch.py: this Python has no {error.name}: pip install safetensors torch")
    print("loadstone: loading", flush=True)
    try:
        with safe_open(sys.argv[1], framework="pt") as model:
            tensors = {name: model.get_tensor(name) for name in model.keys()}  # noqa: SIM118  # it is no mapping
    except SafetensorError as error:
        sys.exit(f"load_torch.py: {sys.argv[1]}: {error}")
    if not tensors:
        sys.exit(f"load_torch.py: {sys.argv[1]} has no tensor")
    if sys.argv[2:] == ["copy"]:
        tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    else:
        for tensor in tensors.values():
            its_bytes = tensor.reshape(-1).view(torch.uint8)
            its_bytes[::_LEAST_PAGE_BYTES].sum()
            its_bytes[-1:].sum()
    print("loadstone: ready", flush=True)


if __name__ == "__main__":
    main()

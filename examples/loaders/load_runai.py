"""Have Run:ai's model streamer read a .safetensors file into tensors of torch's, on the CPU.

How many threads read, and how much at once, it takes from RUNAI_STREAMER_CONCURRENCY and
RUNAI_STREAMER_CHUNK_BYTESIZE.

loadstone run command --file MODEL.safetensors --set ready=said \
    --set command="python3 load_runai.py {file}"
"""

import sys


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: load_runai.py FILE.safetensors")
    try:
        import torch  # noqa: F401  # what it makes its tensors with
        from runai_model_streamer import SafetensorsStreamer
    except ModuleNotFoundError as error:
        sys.exit(
            f"load_runai.py: this Python has no {error.name}: "
            "pip install runai-model-streamer torch"
        )
    print("loadstone: loading", flush=True)
    with SafetensorsStreamer() as streamer:
        streamer.stream_file(sys.argv[1])
        # That these may be kept was seen of version 0.17, which gives its buffers away; one that
        # reads into them again would need a clone() of each.
        tensors = dict(streamer.get_tensors())
    if not tensors:
        sys.exit(f"load_runai.py: {sys.argv[1]} has no tensor")
    print("loadstone: ready", flush=True)


if __name__ == "__main__":
    main()

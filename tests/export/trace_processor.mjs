// Perfetto's trace processor as the UI has it, WebAssembly, asked from standard input.
// node trace_processor.mjs DIRECTORY < REQUESTS > REPLIES; both are a TraceProcessorRpcStream.

import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";

const read = (name) => readFileSync(join(process.argv[2], name));

// What a worker of a browser has besides JavaScript itself, as far as the bundle asks for it.
const worker = {
  console: { log() {}, warn: console.error, error: console.error },
  location: { href: "" },
  performance,
  TextDecoder,
  TextEncoder,
  URL,
  WorkerGlobalScope: class {},
  XMLHttpRequest: class {
    open(_method, name) {
      this.name = name;
    }
    send() {
      const bytes = read(this.name);
      this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    }
  },
  crypto,
  setTimeout,
};
worker.self = worker;
createContext(worker);
runInContext(read("engine_bundle.js").toString(), worker, "engine_bundle.js");

const port = {
  postMessage(bytes) {
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  },
};
worker.onmessage({ data: port });
// It is ready when what waited for its start has run.
await new Promise((resolve) => setTimeout(resolve, 0));
const Bytes = runInContext("Uint8Array", worker);
port.onmessage({ data: new Bytes(readFileSync(0)) });

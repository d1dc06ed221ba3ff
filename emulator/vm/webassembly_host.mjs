// Runs MicroPython's WebAssembly build as a process that speaks the stream of docs/vm-stream.md.
//
//   node webassembly_host.mjs PACKAGE_FOLDER DEVICE_FOLDER
//
// Frames go to standard output and come from standard input, moved straight between a pipe and the
// memory of the VM: its Python blocks in a call until the answer is there. What the VM itself
// prints goes to standard error.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packageFolder, deviceFolder] = process.argv.slice(2);
const HEADER = 4;
const HEAP_BYTES = 2560 * 1024; // as a board with PSRAM; this build grows it when it is used up

let memory; // of the VM: the build does not offer it, so it is taken when the VM is made
let module; // compiled once
WebAssembly.instantiate = async (bytes, imports) => {
    module ??= await WebAssembly.compile(bytes);
    const instance = new WebAssembly.Instance(module, imports);
    memory = instance.exports.memory;
    return { module, instance };
};

function write(buffer) {
    for (let at = 0; at < buffer.length; ) at += fs.writeSync(1, buffer, at);
}

function read(size) {
    const buffer = Buffer.allocUnsafe(size);
    for (let at = 0; at < size; ) {
        const count = fs.readSync(0, buffer, at, size - at, null);
        if (count === 0) process.exit(0); // nobody is there any more
        at += count;
    }
    return buffer;
}

const END = new Error("the program has ended");
let answer;
const link = {
    // Send a frame that stands at `address`; returns the length of the answer.
    exchange(address, size) {
        const frame = Buffer.allocUnsafe(HEADER + size);
        frame.writeUInt32BE(size, 0);
        frame.set(new Uint8Array(memory.buffer, address, size), HEADER);
        write(frame);
        const length = read(HEADER).readUInt32BE(0);
        if (length === 0) throw END;
        answer = read(length);
        return answer.length;
    },
    // Put the answer at `address`.
    answer(address) {
        new Uint8Array(memory.buffer, address, answer.length).set(answer);
    },
};

const { loadMicroPython } = await import(pathToFileURL(path.join(packageFolder, "micropython.mjs")));

// A new VM, nothing of an earlier one in it, runs one program.
async function run() {
    const vm = await loadMicroPython({
        heapsize: HEAP_BYTES,
        pystack: 32 * 1024,
        linebuffer: false,
        stdout: (data) => fs.writeSync(2, data),
        stderr: (data) => fs.writeSync(2, data),
    });
    vm.registerJsModule("_link", link);
    vm.FS.mkdir("/vm");
    vm.FS.mkdir("/scratch");
    for (const name of fs.readdirSync(deviceFolder)) {
        if (name.endsWith(".py")) {
            vm.FS.writeFile("/vm/" + name, fs.readFileSync(path.join(deviceFolder, name)));
        }
    }
    vm.runPython('import sys\nsys.path[:] = ["/vm"]\nimport start\n');
}

for (;;) {
    try {
        await run();
    } catch (reason) {
        if (reason !== END) throw reason;
    }
}

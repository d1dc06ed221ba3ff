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
import v8 from "node:v8";
import { memory, stateOf } from "./webassembly_state.mjs";

const [packageFolder, deviceFolder] = process.argv.slice(2);
const HEADER = 4;
const FEW = 64; // so many bytes are copied one by one sooner than all at once
const HEAP_BYTES = 2560 * 1024; // as a board with PSRAM; this build grows it when it is used up

// Both grow with the frames. Nothing comes but the answer to what was sent.
let outbox = Buffer.allocUnsafe(1 << 16);
let inbox = Buffer.allocUnsafe(1 << 16);

function write(size) {
    for (let at = 0; at < size; ) at += fs.writeSync(1, outbox, at, size - at);
}

function read() {
    for (let got = 0, size = HEADER; got < size; ) {
        const count = fs.readSync(0, inbox, got, inbox.length - got, null);
        if (count === 0) process.exit(0); // nobody is there any more
        got += count;
        if (got >= HEADER) size = HEADER + inbox.readUInt32BE(0);
        if (size > inbox.length) inbox = Buffer.concat([inbox], 2 * size);
    }
    return inbox.subarray(HEADER, HEADER + inbox.readUInt32BE(0));
}

const END = new Error("the program has ended");
let answer;
const link = {
    // Send a frame that stands at `address`; returns the length of the answer, which is put at
    // `place` if it fits into `room`.
    exchange(address, size, place, room) {
        if (HEADER + size > outbox.length) outbox = Buffer.allocUnsafe(2 * (HEADER + size));
        outbox.writeUInt32BE(size, 0);
        const bytes = memory();
        if (size > FEW) outbox.set(bytes.subarray(address, address + size), HEADER);
        else for (let at = 0; at < size; at++) outbox[HEADER + at] = bytes[address + at];
        write(HEADER + size);
        answer = read();
        if (answer.length === 0) throw END;
        if (answer.length <= room) link.answer(place);
        return answer.length;
    },
    // Put the answer at `place`.
    answer(place) {
        memory().set(answer, place);
    },
};

// Functions of the VM that run often are compiled well after a tenth of the usual work
v8.setFlagsFromString("--wasm-tiering-budget=1000000");
const { loadMicroPython } = await import(pathToFileURL(path.join(packageFolder, "micropython.mjs")));

// What start.py imports before it asks for anything: compiled once in a process.
const MODULES = ["board", "floats", "language", "console", "errors", "importer", "natives", "wire", "link_wasm"];

async function load() {
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
    const names = MODULES.map((name) => `"${name}"`).join(", ");
    vm.runPython('import sys\nsys.path[:] = ["/vm"]\n');
    vm.runPython(`for name in (${names}): __import__(name)\ndel name\n`);
    return vm;
}

// The files of the VM are JavaScript's.
function empty(FS, folder) {
    for (const name of FS.readdir(folder)) {
        const place = folder + "/" + name;
        if (name === "." || name === "..") continue;
        if (FS.isDir(FS.stat(place).mode)) {
            empty(FS, place);
            FS.rmdir(place);
        } else {
            FS.unlink(place);
        }
    }
}

// A VM with nothing of an earlier program in it runs one program.
let vm, state;
for (;;) {
    if (state?.restore()) {
        empty(vm.FS, "/scratch");
    } else {
        vm = await load();
        state = stateOf();
    }
    try {
        vm.runPython("import start\n");
    } catch (reason) {
        if (reason !== END) throw reason;
    }
}

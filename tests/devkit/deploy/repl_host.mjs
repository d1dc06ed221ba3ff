// A board for tests of `./dev deploy`: MicroPython's own REPL on a terminal.
//
//   node repl_host.mjs PACKAGE_FOLDER BOARD_FILE OPTIONS DESCRIPTOR
//
// BOARD_FILE is MicroPython that makes of the VM what OPTIONS (JSON) say, before the REPL starts.
// Descriptor 0 must stay silent: the VM looks there for Ctrl-C.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packageFolder, boardFile, options, terminal] = process.argv.slice(2);
const TERMINAL = Number(terminal);

function write(data) {
    const buffer = Buffer.from(data);
    for (let at = 0; at < buffer.length; ) at += fs.writeSync(TERMINAL, buffer, at);
}

const { loadMicroPython } = await import(pathToFileURL(path.join(packageFolder, "micropython.mjs")));
const vm = await loadMicroPython({ heapsize: 2560 * 1024, linebuffer: false, stdout: write });
// A module, so that its names are not among those of the REPL.
vm.FS.writeFile("/home/emulated.py", fs.readFileSync(boardFile));
vm.globals.set("OPTIONS", options);
try {
    vm.runPython('import sys\nsys.path.append("/home")\nimport emulated\nemulated.start(OPTIONS)\n');
} catch (error) {
    console.error(error.message); // without the build's source, which is one long line
    process.exit(1);
}
vm.replInit();

const buffer = Buffer.alloc(4096);
let previous = 0;

function read() {
    try {
        return fs.readSync(TERMINAL, buffer, 0, buffer.length, null);
    } catch {
        return 0; // nobody is at the other end any more
    }
}

for (;;) {
    const count = read();
    if (count === 0) break;
    for (const byte of buffer.subarray(0, count)) {
        // Ctrl-E A asks for raw paste mode, which MicroPython 1.11 does not know, and for which this
        // build reads from elsewhere: the Ctrl-A behind it restarts raw mode, as it does there.
        const asksForPaste = byte === 5 || (previous === 5 && byte === 0x41);
        previous = byte;
        if (!asksForPaste && vm.replProcessChar(byte)) vm.replInit();
    }
}

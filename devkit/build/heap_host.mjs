// Says how much of the heap importing modules takes, in a VM for each that has imported none.
//
//   node heap_host.mjs PACKAGE_FOLDER < work.json
//
// work.json: {"files": {path: base64}, "path": [sys.path], "before": code, "modules": [names]}; the
// answer is {name: bytes or an error's text}, as JSON. This build collects garbage when a piece of
// code is over, so that each step is a piece of its own.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { stateOf } from "../../emulator/vm/webassembly_state.mjs";

const { loadMicroPython } = await import(
    pathToFileURL(path.join(process.argv[2], "micropython.mjs"))
);
const work = JSON.parse(fs.readFileSync(0, "utf8"));

function put(vm, name, data) {
    for (let at = name.indexOf("/", 1); at > 0; at = name.indexOf("/", at + 1)) {
        const folder = name.slice(0, at);
        if (!vm.FS.analyzePath(folder).exists) vm.FS.mkdir(folder);
    }
    vm.FS.writeFile(name, Buffer.from(data, "base64"));
}

const said = [];
let vm, state, before;

async function load() {
    vm = await loadMicroPython({
        heapsize: 1024 * 1024,
        pystack: 32 * 1024,
        stdout: (line) => said.push(line),
        stderr: (line) => said.push(line),
    });
    for (const [file, data] of Object.entries(work.files)) put(vm, file, data);
    vm.runPython(`import sys, gc\nsys.path[:] = ${JSON.stringify(work.path)}\n`);
    vm.runPython(work.before);
    inUse();
    before = inUse();
    state = stateOf();
}

function inUse() {
    vm.runPython("gc.collect()");
    vm.runPython("gc.collect()");
    vm.runPython("print(gc.mem_alloc())");
    return Number(said.pop());
}

async function measure(name) {
    if (!state?.restore()) await load();
    try {
        vm.runPython(`import ${name}`);
    } catch (error) {
        return String(error.message);
    }
    return inUse() - before;
}

const found = {};
for (const name of work.modules) found[name] = await measure(name);
console.log(JSON.stringify(found));

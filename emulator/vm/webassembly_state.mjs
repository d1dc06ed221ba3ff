// Brings a VM of MicroPython's WebAssembly build back to an earlier state, which takes a tenth of
// loading one. To be imported before the build is: it takes what the build does not offer.

let module; // compiled once
let exported; // by the VM that was loaded last
WebAssembly.instantiate = async (bytes, imports) => {
    module ??= await WebAssembly.compile(bytes);
    const instance = new WebAssembly.Instance(module, imports);
    exported = instance.exports;
    return { module, instance };
};

export const memory = () => exported.memory;

// The state of the VM that was loaded last, between two pieces of code: all of its memory, its
// stack, and JavaScript's tables of the objects that each side has of the other. Not its files.
export function stateOf() {
    const bytes = new Uint8Array(exported.memory.buffer).slice();
    const stack = exported.emscripten_stack_get_current();
    const tables = Object.keys(globalThis).filter((name) => name.startsWith("proxy_js_"));
    const kept = tables.map((name) => [name, copied(globalThis[name])]);
    return {
        // False if the VM cannot be brought back: its memory has grown.
        restore() {
            if (exported.memory.buffer.byteLength !== bytes.length) return false;
            new Uint8Array(exported.memory.buffer).set(bytes);
            exported._emscripten_stack_restore(stack);
            for (const [name, value] of kept) globalThis[name] = copied(value);
            return true;
        },
    };
}

function copied(value) {
    if (Array.isArray(value)) return value.slice();
    return value instanceof Map ? new Map(value) : value;
}

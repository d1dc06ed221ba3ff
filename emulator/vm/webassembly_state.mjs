// Brings a VM of MicroPython's WebAssembly build back to an earlier state, which takes a tenth of
// loading one. To be imported before the build is: it takes what the build does not offer.

let module; // compiled once
let exported; // by the VM that was loaded last
WebAssembly.instantiate = async (bytes, imports) => {
    module ??= await WebAssembly.compile(bytes);
    const instance = new WebAssembly.Instance(module, imports);
    exported = instance.exports;
    remember(exported.__indirect_function_table);
    return { module, instance };
};

// The build looks up a function in its table at each call that may raise, three times in a call of
// the firmware, and each time the engine checks and wraps it anew.
function remember(table) {
    const { get, set } = table;
    let known = [];
    table.get = (index) => (known[index] ??= get.call(table, index));
    table.set = (...entry) => {
        known = [];
        set.apply(table, entry);
    };
}

let bytes; // of the memory of `owner`
let owner;

// The memory of that VM. It is a view anew once the memory has grown, which empties older ones.
export function memory() {
    if (owner !== exported || bytes.length === 0) {
        owner = exported;
        bytes = new Uint8Array(exported.memory.buffer);
    }
    return bytes;
}

// The state of the VM that was loaded last, between two pieces of code: all of its memory, its
// stack, and JavaScript's tables of the objects that each side has of the other. Not its files.
export function stateOf() {
    const kept = memory().slice();
    const stack = exported.emscripten_stack_get_current();
    const tables = Object.keys(globalThis).filter((name) => name.startsWith("proxy_js_"));
    const keptTables = tables.map((name) => [name, copied(globalThis[name])]);
    return {
        // False if the VM cannot be brought back: its memory has grown.
        restore() {
            if (memory().length !== kept.length) return false;
            memory().set(kept);
            exported._emscripten_stack_restore(stack);
            for (const [name, value] of keptTables) globalThis[name] = copied(value);
            return true;
        },
    };
}

function copied(value) {
    if (Array.isArray(value)) return value.slice();
    return value instanceof Map ? new Map(value) : value;
}

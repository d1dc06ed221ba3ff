// Print in hex what text() of MicroPython's framebuf draws for the characters 32 to 127, 8 columns
// each. Argument: the folder of the npm package.
const { loadMicroPython } = await import(`${process.argv[2]}/micropython.mjs`);
const vm = await loadMicroPython({ stdout: (line) => console.log(line) });
vm.runPython(`
import framebuf
for code in range(32, 128):
    drawn = bytearray(8)
    framebuf.FrameBuffer(drawn, 8, 8, framebuf.MVLSB).text(chr(code), 0, 0)
    print(drawn.hex())
`);

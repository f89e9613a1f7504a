/**
 * For `node --expose-gc --import`: the program collects its garbage when it gets SIGUSR2, so that what it says of its heap
 * afterwards is what it keeps.
 */
process.on("SIGUSR2", () => globalThis.gc?.())

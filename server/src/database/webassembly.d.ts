declare global {
  // TypeScript declares WebAssembly with the browser's types only; this is the one function that is used here.
  var WebAssembly: {
    instantiate(
      bytes: Uint8Array,
      imports: Record<string, Record<string, unknown>>,
    ): Promise<{ instance: { exports: Record<string, unknown> } }>
  }
}

export {}

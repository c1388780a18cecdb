import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: { alias: { "@sdk": here("sdk/src/index.ts") } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs would need a hole in the content security policy
    modulePreload: { polyfill: false },
    rollupOptions: { input: [here("index.html"), here("host.html"), here("check.html")] },
  },
});

import type { Plugin } from 'vite'

/** A plugin of the build that writes which packages went into it, to bundled-packages.json. */
export function listBundledPackages(): Plugin

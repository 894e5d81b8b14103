// Lets a Node process of a test run TypeScript modules of __test__: `node --import native-typescript.mjs file.ts`.
import { register } from 'node:module'

register('./native-typescript-hooks.mjs', import.meta.url)

// Lets a Node process import the SDK by its name from src/, where `npm test` has bundled nothing.
import { register } from 'node:module'
import '../helpers/native-typescript.mjs'

register('./sdk-from-source-hooks.mjs', import.meta.url)

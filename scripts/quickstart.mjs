// npm run quickstart: makes the checkout ready, then walks through scripts/tour.mjs.
import { bootstrap } from './bootstrap.mjs'

await bootstrap({ dist: true })
const { tour } = await import('./tour.mjs') // needs what was just made ready
await tour()

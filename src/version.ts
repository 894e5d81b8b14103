/**
 * The version of this package. The addon must say the same; a test holds it against package.json
 * and Cargo.toml.
 */
export const VERSION = '0.1.0'

/** Hides tokens in whatever the page shows. A masked value is `***` and, if it is long, its last four characters. */

const IN_JSON = /("(?:token|pid)"\s*:\s*")([^"]+)(?=")/g;
const IN_QUERY = /([?&]token=)([^&\s"]+)/g;
const BY_SHAPE = /(?<![\w-])[\w-]{43}(?![\w-])/g; // 32 bytes in base64url, wherever they stand
const LONG = 16; // characters: four of fewer would tell too much

export const maskToken = (token) => "***" + (token.length < LONG ? "" : token.slice(-4));

export function mask(text) {
  return text
    .replace(IN_JSON, (_, before, token) => before + maskToken(token))
    .replace(IN_QUERY, (_, before, token) => before + maskToken(token))
    .replace(BY_SHAPE, (token) => maskToken(token));
}

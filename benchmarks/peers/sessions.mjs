// A session's token, as POST /api/auth/acquire-session answers it; nothing is stored.
import { randomBytes } from "node:crypto";

const LIFETIME = 30 * 24 * 3600 * 1000;

export function newSession() {
  const expiresAt = new Date(Date.now() + LIFETIME).toISOString();
  return JSON.stringify({ success: true, data: { token: randomBytes(32).toString("base64url"), expiresAt } });
}

/**
 * A client of any generation, on long polling, that tells of its connections, its losses, and each event.
 *
 *   node dismissed.mjs PACKAGE URL
 *
 * Connects again on "come back", from standard input.
 */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { args, say } from "./client.mjs";

const require = createRequire(`${process.env.NODE_MODULES_DIR}/`);
const [name, url] = args;
const { io = require(name) } = require(name);
const socket = io(url, { transports: ["polling"], reconnection: false });

socket.on("connect", () => say(["connect", socket.recovered ?? false]));
socket.on("disconnect", (reason) => say(["disconnect", reason]));
socket.on("news", (number) => say(["news", number]));
createInterface({ input: process.stdin }).on("line", () => socket.connect());

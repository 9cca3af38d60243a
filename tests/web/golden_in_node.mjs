/** Prints what `check` finds in the golden data of a file. */

import { readFileSync } from "node:fs";
import { check } from "./golden_check.js";

console.log(JSON.stringify(check(JSON.parse(readFileSync(process.argv[2], "utf8")))));

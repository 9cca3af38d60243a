/** Leaves what `check` finds in the page's golden data in a global variable. */

import { check } from "./golden_check.js";

globalThis.found = check(JSON.parse(document.getElementById("golden").textContent));

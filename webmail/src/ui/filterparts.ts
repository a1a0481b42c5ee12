// What the parts of the filters share.

import type { Rule } from "../lib/rules.ts";
import sheet from "../style/filters.css?text";
import { sheetOf } from "./style.ts";

export const filterSheet = sheetOf(sheet);

const newId = () => crypto.getRandomValues(new Uint32Array(2)).reduce((text, n) => text + n.toString(36).padStart(7, "0"), "");

export const newRule = (): Rule => ({
	id: newId(), name: "", on: true, match: "all", if: [{ field: "from", how: "contains", value: "" }], then: [{ do: "move", value: "" }], stop: true,
});

export const copyOf = (rule: Rule, name: string): Rule => ({ ...structuredClone(rule), id: newId(), name });

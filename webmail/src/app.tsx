// The beginning: draws the client, then asks the server who we are.

import { render } from "preact";
import { App } from "./ui/app.tsx";
import { phase, start } from "./state/start.ts";

render(<App />, document.getElementById("app")!);
// Who makes an account is nobody yet.
if (location.pathname === "/signup" || location.pathname === "/setup")
	phase.value = "out";
else
	void start();

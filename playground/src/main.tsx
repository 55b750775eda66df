import { render } from "preact";
import { App } from "./layout/app.jsx";
import { createPlayground } from "./playground.js";
import "./style/tokens.css";
import "./style/base.css";

const root = document.getElementById("app");
if (root) render(<App playground={createPlayground()} />, root);

// SPDX-License-Identifier: MIT
// theme.js - the switch between light, dark and the system's choice, where the theme's own script
// cannot run: some packages of it are modules, which a page from a file may not load.
window.addEventListener("load", () => {
    if (!document.documentElement.classList.contains("no-js"))
        return;
    document.documentElement.classList.remove("no-js");
    const next = { auto: "dark", dark: "light", light: "auto" };
    for (const button of document.getElementsByClassName("theme-toggle"))
        button.addEventListener("click", () => {
            document.body.dataset.theme = next[document.body.dataset.theme] || "auto";
            localStorage.setItem("theme", document.body.dataset.theme);
        });
});

// Buttons with data-copy put that text on the clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // Without TLS browsers offer no clipboard: select the text, so that Ctrl-C takes it.
    const shown = button.previousElementSibling;
    if (shown) window.getSelection().selectAllChildren(shown);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 2000);
});

// The keys of the conversation: the list is one stop for the Tab key, arrows go from message to message, and the toolbar
// of the message that had the focus last is the one that Tab comes to. Knows messages by their part.

const messagesIn = (list: HTMLElement): HTMLElement[] => [...list.querySelectorAll<HTMLElement>('[part~="message"]')];

const STEPS: Readonly<Record<string, number>> = {ArrowDown: 1, ArrowUp: -1};

/** Arrow, Home and End keys move the focus from message to message. */
export function moveBetween(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const target = event.target as HTMLElement;
  // Inside a message the arrows are its own: of a toolbar, of a text field, of code that scrolls.
  if (target !== list && !target.matches('[part~="message"]')) return;
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const messages = messagesIn(list);
  const at = messages.indexOf(target);
  const step = STEPS[event.key];
  const last = messages.length - 1;
  let to: number;
  if (event.key === 'Home') to = 0;
  else if (event.key === 'End') to = last;
  else if (step === undefined) return;
  else if (at < 0) to = last;
  else to = Math.min(Math.max(at + step, 0), last);
  if (!messages[to]) return;
  event.preventDefault();
  messages[to].focus();
}

/** Makes the message that has the focus the one that Tab comes to. */
export function keepOneStop(event: FocusEvent): void {
  const list = event.currentTarget as HTMLElement;
  const message = (event.target as HTMLElement).closest<HTMLElement>('[part~="message"]');
  if (!message) return;
  for (const each of messagesIn(list)) {
    const buttons = [...each.querySelectorAll<HTMLElement>('[part="actions"] button')];
    const stop = buttons.find(({tabIndex}) => tabIndex === 0);
    if (each === message) {
      const entry = stop ?? buttons.find((button) => button.matches('[part~="copy-button"]'));
      if (entry) entry.tabIndex = 0;
    } else if (stop) stop.tabIndex = -1;
  }
}

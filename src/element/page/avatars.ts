// The pictures beside messages: what a page has slotted once, copied for each message, since a slot shows its content in
// one place only. Knows the element's children.

/** By author; null where the page has given none. */
export interface Avatars {
  readonly user: Element | null;
  readonly assistant: Element | null;
}

export function avatarsOf(host: Element): Avatars {
  return {
    user: host.querySelector(':scope > [slot="avatar-user"]'),
    assistant: host.querySelector(':scope > [slot="avatar-assistant"]'),
  };
}

/** A copy that stands by itself; a `<template>`'s content. */
export function copyAvatar(avatar: Element): Node {
  if (avatar instanceof HTMLTemplateElement) return document.importNode(avatar.content, true);
  const copy = avatar.cloneNode(true) as Element;
  for (const name of ['slot', 'id']) copy.removeAttribute(name);
  return copy;
}

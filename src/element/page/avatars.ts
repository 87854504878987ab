// What a page has slotted once for every message, copied for each: pictures and buttons. A slot shows its content in one
// place only. Knows the element's children.

/** What a page has put into a slot of the element. */
export const slotted = (host: Element, name: string): Element[] => [
  ...host.querySelectorAll(`:scope > [slot="${name}"]`),
];

/** By author; null where the page has given none. */
export interface Avatars {
  readonly user: Element | null;
  readonly assistant: Element | null;
}

/** What the page has slotted into `host` for every message. */
export function avatarsOf(host: Element): Avatars {
  return {
    user: slotted(host, 'avatar-user')[0] ?? null,
    assistant: slotted(host, 'avatar-assistant')[0] ?? null,
  };
}

/** A copy that stands by itself; a `<template>`'s content. */
export function copyAvatar(avatar: Element): Node {
  if (avatar instanceof HTMLTemplateElement) return document.importNode(avatar.content, true);
  const copy = avatar.cloneNode(true) as Element;
  for (const name of ['slot', 'id']) copy.removeAttribute(name);
  return copy;
}

// The pictures beside messages: what a page has slotted once, copied for each message, since a slot shows its content in
// one place only. Knows the element's children.

/** By author; null where the page has given none. */
export interface Avatars {
  readonly user: Element | null;
  readonly assistant: Element | null;
}

/** @param always letters where the page has given no pictures */
export function avatarsOf(host: Element, always = false): Avatars {
  const given = (author: 'user' | 'assistant') =>
    host.querySelector(`:scope > [slot="avatar-${author}"]`) ?? (always ? letter(author) : null);
  return {user: given('user'), assistant: given('assistant')};
}

const letters = new Map<string, Element>();

/** A person and a spark, the same in every language. */
function letter(author: 'user' | 'assistant'): Element {
  let element = letters.get(author);
  if (!element) {
    element = document.createElement('span');
    element.setAttribute('part', 'avatar-letter');
    element.textContent = author === 'user' ? '☺' : '✦';
    letters.set(author, element);
  }
  return element;
}

/** A copy that stands by itself; a `<template>`'s content. */
export function copyAvatar(avatar: Element): Node {
  if (avatar instanceof HTMLTemplateElement) return document.importNode(avatar.content, true);
  const copy = avatar.cloneNode(true) as Element;
  for (const name of ['slot', 'id']) copy.removeAttribute(name);
  return copy;
}

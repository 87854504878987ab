// Adds and removes chats while the page runs, as an application would. Each takes the page's model.
import '../src/index.ts';
import {find} from './dom.ts';

const chats = find('#chats');
const remove = find<HTMLButtonElement>('#remove');

function tell(): void {
  const {length} = chats.children;
  find('#count').textContent = `${length} ${length === 1 ? 'chat' : 'chats'} here`;
  remove.disabled = length === 0;
}

find('#add').addEventListener('click', () => {
  const chat = document.createElement('gemma-chat');
  chat.temperature = 0;
  chat.label = `Chat ${chats.children.length + 1}`;
  chats.append(chat);
  tell();
});
remove.addEventListener('click', () => {
  chats.lastElementChild?.remove();
  tell();
});
tell();

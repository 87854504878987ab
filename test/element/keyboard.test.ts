import {expect} from '@open-wc/testing';
import {sendKeys} from '@web/test-runner-commands';
import {fakeLoads} from './fake-client.ts';
import {Harness} from './harness.ts';

describe('<gemma-chat> by keyboard alone', () => {
  it('loads, sends, stops, answers again, and clears', async () => {
    const loads = fakeLoads();
    const chat = await Harness.poster();
    await expect(chat.el).to.be.accessible();
    const press = async (...keys: string[]) => {
      for (const key of keys) await sendKeys({press: key});
      await chat.settle();
    };
    const back = async (times: number) => {
      await sendKeys({down: 'Shift'});
      await press(...Array<string>(times).fill('Tab'));
      await sendKeys({up: 'Shift'});
    };
    const focused = () => {
      const {activeElement} = chat.el.shadowRoot!;
      return activeElement?.ariaLabel || activeElement?.textContent.trim();
    };

    await press('Tab');
    expect(focused()).to.equal('Load the model');
    await press('Enter');
    loads[0].done();
    await chat.settle();
    expect(focused()).to.equal('Message');

    const {client} = loads[0];
    await sendKeys({type: 'Hello'});
    await press('Enter');
    client.lastAnswer.text('Good');
    await press('Tab');
    expect(focused()).to.equal('Stop');
    await press('Space');
    expect(chat.turns).to.deep.equal(['Hello', 'Good']);
    expect(focused()).to.equal('Send');

    // The buttons beneath the answer are one stop, with arrow keys inside.
    await back(2);
    expect(focused()).to.equal('Copy');
    await press('End');
    expect(focused()).to.equal('Delete');
    await press('Home', 'ArrowRight');
    expect(focused()).to.equal('Answer again');
    await press('Enter');
    client.lastAnswer.text('Good day.').end();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Hello', 'Good day.']);
    // The button was gone while the answer was written.
    expect(focused()).to.equal('Message');

    await back(1);
    // The older of two answers is a version of this one.
    expect(focused()).to.equal('Copy');
    await press('Home');
    expect(focused()).to.equal('Previous version');
    await press('Enter');
    expect(chat.turns).to.deep.equal(['Hello', 'Good']);
    expect(focused()).to.equal('Previous version');
    // One stop for all messages: the toolbar that had the focus, then the list, with arrows from message to message.
    await back(1);
    expect(focused()).to.equal('Conversation');
    await press('ArrowUp');
    expect(focused()).to.equal('Gemma');
    await press('ArrowUp');
    expect(focused()).to.equal('You');
    await press('ArrowUp', 'End');
    expect(focused()).to.equal('Gemma');
    await press('Home');
    expect(focused()).to.equal('You');
    await press('Tab');
    expect(focused()).to.equal('Copy');
    await back(1);
    expect(focused()).to.equal('Conversation');
    await back(1);
    expect(focused()).to.equal('Clear');
    await press('Enter');
    expect(chat.turns).to.deep.equal([]);
    expect(focused()).to.equal('Message');
  });
});

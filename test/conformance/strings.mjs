// Awkward strings for tokenizers: each family is here because it has broken one. Written for this project or generated
// from a seed; the same list on every run.

/** Small, seeded, good enough to choose characters (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const repeat = (text, counts) => counts.map((count) => text.repeat(count));

const WHITESPACE = [
  '',
  ...repeat(' ', [1, 2, 3, 4, 7, 8, 15, 16, 17, 30, 31, 32, 33, 61, 62, 63, 64, 65, 100]),
  ...repeat('\n', [1, 2, 3, 4, 5, 8, 15, 16, 29, 30, 31, 32, 33, 45, 62, 63, 64, 93, 200]),
  ...repeat('\t', [1, 2, 3, 8, 30, 31, 32, 63]),
  ...repeat('\r\n', [1, 2, 5]),
  ...repeat(' \n', [1, 2, 9]),
  ...repeat('\n ', [1, 2, 9]),
  'a\n\n\nb',
  'a \n b',
  '\n\nword',
  'word\n\n',
  '  word',
  'word  ',
  'one  two   three    four',
  '\tfirst\n\t\tsecond\n\t\t\tthird',
  'form\ffeed',
  'vertical\vtab',
  'no\u00a0break\u00a0space',
  'thin\u2009hair\u200afigure\u2007space',
  'ideographic\u3000space',
  'line\u2028paragraph\u2029separators',
  'next\u0085line',
  ' \t \t ',
  '\n\t\n\t',
  ' leading and trailing ',
];

const SCRIPTS = [
  'Die Straße ist naß, größer als üblich.',
  'Où est passée la clé ? Là-bas, près du cœur !',
  'Zażółć gęślą jaźń',
  'Příliš žluťoučký kůň úpěl ďábelské ódy',
  'Pijamalı hasta, yağız şoföre çabucak güvendi',
  'Привет, как твои дела? Съешь же ещё булок.',
  'Здравей, свят! Щъркелът лети.',
  'Γειά σου Κόσμε, τι κάνεις;',
  'שלום עולם, מה שלומך?',
  'שָׁלוֹם עֲלֵיכֶם',
  'مرحبا بالعالم، كيف حالك؟',
  'بِسْمِ ٱللَّٰهِ',
  'سلام دنیا، می‌روم',
  'नमस्ते दुनिया, आप कैसे हैं?',
  'ক্ষুধার্ত বাঙালি',
  'வணக்கம் உலகம்',
  'తెలుగు భాష',
  'ಕನ್ನಡ ನುಡಿ',
  'മലയാളം വാക്ക്',
  'ශ්‍රී ලංකා',
  'สวัสดีชาวโลก วันนี้อากาศดี',
  'ສະບາຍດີ',
  'မင်္ဂလာပါ',
  'សួស្តី​ពិភពលោក',
  'გამარჯობა მსოფლიო',
  'Բարեւ աշխարհ',
  'ሰላም ለዓለም',
  '你好，世界！今天天气怎么样？',
  '繁體中文與简体中文混排',
  'こんにちは世界。カタカナとひらがな',
  'ﾊﾝｶｸｶﾅ ｄｏｕｂｌｅ　ｗｉｄｔｈ',
  '안녕하세요 세계, 오늘은 맑음',
  '\u1112\u1161\u11ab\u1100\u1173\u11af',
  'Tiếng Việt có dấu: Đường phố Hà Nội',
  'བོད་སྐད་',
  'ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ',
  'ᐃᓄᒃᑎᑐᑦ',
  'ᚠᚢᚦᚨᚱᚲ',
  '𐎠𐎡𐎢 𒀀𒁀 𓀀𓁐',
  '𝒜𝓁𝓁 𝕞𝕒𝕥𝕙 𝔩𝔢𝔱𝔱𝔢𝔯𝔰',
  'Éé E\u0301e\u0301 Å A\u030a ñ n\u0303',
  'Z\u0351\u036b\u0343a\u0369\u0321l\u0328g\u0335o\u0489',
  'ﬁnal ﬂow ﬀ ﬃ',
  'ǅ ǈ ŉ ß ẞ İ ı',
  'ਸਤ ਸ੍ਰੀ ਅਕਾਲ ਦੁਨੀਆ',
  'નમસ્તે દુનિયા, કેમ છો?',
  'ନମସ୍କାର ଦୁନିଆ',
  'ܫܠܡܐ ܥܠܡܐ',
  'ދިވެހި ބަސް',
  'ߒߞߏ ߞߊ߲',
  'ⵜⴰⵎⴰⵣⵉⵖⵜ ⴰⵣⵓⵍ',
  'ᱥᱟᱱᱛᱟᱲᱤ',
  'ꦲꦏ꧀ꦱꦫꦗꦮ',
  'ᬅᬓ᭄ᬱᬭᬩᬮᬶ',
  'ᮞᮥᮔ᮪ᮓ',
  'ᜊᜌ᜔ᜊᜌᜒᜈ᜔',
  'ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ',
  'ꆈꌠꁱꂷ',
  'ㄅㄆㄇㄈ ㄓㄨˋ ㄧㄣ',
  'ⲙⲉⲧⲣⲉⲙⲛ̀ⲭⲏⲙⲓ',
  'ⰃⰎⰀⰃⰑⰎⰉⰜⰀ',
  '𐌲𐌿𐍄𐌹𐍃𐌺',
  'ꕙꔤ ꗏ',
  'ᥖᥭᥰᥖᥬᥳᥑᥨᥒᥰ',
  'ᑎᗅ ᚛ᚑᚌᚐᚋ᚜',
  '𐐔𐐯𐑅𐐨𐑉𐐯𐐻',
  '𞤀𞤣𞤤𞤢𞤥',
  'ꯃꯩꯇꯩ ꯃꯌꯦꯛ',
  'left \u202bright\u202c \u200eleft\u200f',
];

const SYMBOLS = [
  '😀',
  '😀😁😂',
  '👍🏽 👍🏿',
  '👩‍🚀',
  '👨‍👩‍👧‍👦 family',
  '🏳️‍🌈 🏴‍☠️',
  '🇩🇪🇫🇷🇯🇵',
  '🏴󠁧󠁢󠁳󠁣󠁴󠁿',
  '1️⃣2️⃣#️⃣',
  '☂ ☂️ ✈ ✈️',
  '🫠🫡🪿🫨',
  'a👍b👍c',
  '½ ⅓ ² ³ ₄ №',
  '∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ ⇒ ∑∫∂',
  '€ £ ¥ ₹ ₿ ¢',
  '“curly” ‘quotes’ „low“ «guillemets» ‹single›',
  '— – ‐ ‑ ― …',
  '© ® ™ § ¶ † ‡ • ◦',
  '┌─┬─┐│ │└─┴─┘ ████▓▒░',
  '←↑→↓ ⇄ ⟶ ➜',
  '♔♕♖♗♘♙ ♠♥♦♣',
  '⠓⠑⠇⠇⠕',
  '!!!???...,,,;;;:::',
  '((([[[{{{}}}]]])))',
  '~!@#$%^&*()_+`-={}|[]\\:";\'<>?,./',
  '-----=====-----',
  '* * *',
  '***bold italic*** ~~gone~~ `code`',
  '\ufeffbyte order mark',
  'zero\u200bwidth\u200cnon\u200djoiner\u2060word',
  'soft\u00adhyphen',
  'variation\ufe0f\ufe0e selectors',
  '\ue000\uf8ff private use',
  '\u{f0000}\u{10fffd} planes 15 and 16',
  '\ufffd replacement \ufffd\ufffd',
  '\ufffe\uffff noncharacters',
  '▁ already a mark',
  '▁▁▁ and▁between▁words',
  ' ▁ ▁▁ mixed with spaces ',
];

const CONTROLS = [
  ...Array.from({length: 32}, (_, i) => `x${String.fromCharCode(i)}y`),
  '\x00',
  '\x00\x00\x00',
  '\x7f',
  '\x1b[31mred\x1b[0m',
  'C1 \x80\x8f\x9f',
  'bell\x07 back\bspace',
];

const CODE = [
  'const answer = (value) => value?.list?.[0] ?? 42;',
  'function f(a, b) {\n  if (a > b) {\n    return a - b;\n  }\n  return b - a;\n}\n',
  'def area(radius: float) -> float:\n    """Of a circle."""\n    return 3.14159 * radius ** 2\n',
  'for (int i = 0; i < n; ++i) sum += *p++;',
  '#include <vector>\ntemplate<typename T> T& at(std::vector<T>& v, size_t i);',
  'SELECT name, COUNT(*) FROM users WHERE age >= 18 GROUP BY name;',
  '<div class="card"><p>Hello &amp; goodbye</p></div>',
  '<table><tr><td>1</td></tr></table>',
  '<h1>Title</h1><br/><a href="#">x</a><strong>y</strong></s><s>z</s>',
  '{"key": [1, 2.5, null, true], "nested": {"a": "b\\n"}}',
  'key: value\nlist:\n  - one\n  - two\n',
  '| a | b |\n|---|---|\n| 1 | 2 |\n',
  '# Heading\n\n1. first\n2. second\n\n```js\nlet x = 1;\n```\n',
  'https://example.org/path/page.html?query=a%20b&x=1#frag',
  'someone@example.org, +49 (30) 123-4567',
  'C:\\Users\\me\\file.txt and /usr/local/bin',
  '\\frac{1}{2} \\sum_{i=0}^{n} x_i^2',
  'camelCaseName snake_case_name kebab-case-name SCREAMING_CASE',
  '^(?:[a-z]+|\\d{2,3})\\s*$',
  'x<<=2; y>>>=1; z**=3; a&&=b; c||=d;',
  '0xDEADBEEF 0b1010 0o17 1e-9 1_000_000',
  'fn main() { println!("{:?}", vec![1u8; 4]); }',
  '$ npm run build -- --watch && echo "done"',
  '\tif (x)\n\t\treturn;\n',
  '        deep indentation\n            deeper\n                deepest',
  '<0x41><0x0A><0xZZ><0xff><0xFF>',
  '<unused0><unused1><unused99>',
  '[multimodal] [PAD0] [UNK]',
];

const NUMBERS = [
  '0',
  '7 77 777 7777 77777 777777 7777777',
  '3.14159265358979323846',
  '-273.15 °C',
  '1,234,567.89 and 1.234.567,89',
  '2024-02-29T23:59:60Z',
  '192.168.0.1:8080',
  '٠١٢٣٤٥٦٧٨٩ ०१२३ ๐๑๒ 〇一二三',
  'Ⅷ ⅷ ① ⑳',
  '1st 2nd 3rd 4th',
  '9'.repeat(100),
  '50% 1/2 2×3 5÷2 10⁻³',
];

const MARKUP = [
  '<bos>',
  '<bos>text',
  '<eos>',
  'text<eos>',
  '<pad><unk><mask>',
  '<|turn>user\nHello<turn|>\n<|turn>model\n',
  '<start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n',
  '<|turn><|turn>',
  '<turn|><turn|>\n\n',
  '<|channel>thought\nhm<channel|>answer',
  '<|tool>declaration:f{}<tool|>',
  '<|tool_call>call:f{a:<|"|>b<|"|>}<tool_call|>',
  '<|tool_response>response:f{value:1}<tool_response|>',
  '<|"|>',
  '<|"|><|"|>',
  'a<|"|>b<|"|>c',
  '<|think|>',
  '<|image><|image|><image|> <|audio><|audio|><audio|> <|video|>',
  '<start_of_image><end_of_image>',
  ' <|turn> spaced <turn|> ',
  '<|turn',
  '<turn|',
  '|turn>',
  '<<|turn>>',
  '<|<|turn>turn>',
  '<|turn|>',
  '<|Turn>',
  '<|tool_calls>',
  '<|tool_call<|tool_call>',
  '<|tool_response><|tool_response>\n',
  '\n<|turn>\n',
  '▁<|turn>▁',
  '<s></s><pad>',
  '</s>',
  '<eos><eos><bos><bos>',
  'x<bos>y<bos>z',
];

const LONG = [
  'a'.repeat(1000),
  'ab'.repeat(700),
  'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch',
  'supercalifragilisticexpialidocious'.repeat(5),
  'antidisestablishmentarianism honorificabilitudinitatibus',
  'の'.repeat(300),
  '漢字'.repeat(200),
  '😀'.repeat(120),
  '.'.repeat(500),
  '-'.repeat(333),
  'x '.repeat(300),
  ' x'.repeat(300),
  'the the the the '.repeat(40),
  'A'.repeat(200) + 'b'.repeat(200),
  `${'word '.repeat(100)}\n`.repeat(3),
];

/** Lone surrogates: no UTF-8 exists for them, so each must count as U+FFFD. */
const MALFORMED = [
  '\ud800',
  '\udc00',
  'a\ud83d',
  '\ude00b',
  '\ud83d\ud83d\ude00',
  '\ude00\ud83d',
  'x\udfff\udfffy',
  '\ud800\ud800\ud800',
  '<|turn>\ud83d<turn|>',
  ' \udbff ',
];

const ALPHABETS = [
  'abcdefghijklmnopqrstuvwxyz     ',
  'ABCabc123 .,!?\n\t',
  'etaoin shrdlu',
  '<|turn>channel_"call response bos eos',
  'äöüßéèêñçåøæ œ',
  'абвгдежзийклмнопрстуфхцчшщъыьэюя ',
  '的一是不了人我在有他这为之大来以个中上们',
  'あいうえおカキクケコ漢字。、 ',
  'אבגדהוزحطيكلم ',
  '😀🎉🚀❤️👍🏽\u200d✨ ',
  '\n\n\n  \t',
  '0123456789.,- ',
  '▁ _-',
  '{}[]();:=<>+-*/&|!~^%#@\\\'"` ',
  'กขคงจฉชซฌญฎฏฐฑาิีึืุู่้',
];

function random(count) {
  const next = generator(20260401);
  return Array.from({length: count}, (_, i) => {
    const alphabet = [...ALPHABETS[i % ALPHABETS.length]];
    const length = 1 + Math.floor(next() ** 2 * 120);
    return Array.from({length}, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
  });
}

/** Any assigned or unassigned scalar value, evenly over the planes that have characters. */
function scalars(count) {
  const next = generator(7);
  return Array.from({length: count}, () =>
    Array.from({length: 24}, () => {
      const limit = next() < 0.8 ? 0x10000 : 0x20000;
      const codePoint = Math.floor(next() * limit);
      return String.fromCodePoint(codePoint >= 0xd800 && codePoint < 0xe000 ? codePoint - 0x800 : codePoint);
    }).join(''),
  );
}

export const STRINGS = [
  ...new Set([
    ...WHITESPACE,
    ...SCRIPTS,
    ...SYMBOLS,
    ...CONTROLS,
    ...CODE,
    ...NUMBERS,
    ...MARKUP,
    ...LONG,
    ...MALFORMED,
    ...random(150),
    ...scalars(30),
  ]),
];

/** Blocks that random strings take characters from: most living scripts, marks, symbols, and what is no character. */
const BLOCKS = [
  [0x20, 0x7e],
  [0xa0, 0x24f],
  [0x250, 0x36f],
  [0x370, 0x52f],
  [0x530, 0x6ff],
  [0x700, 0x8ff],
  [0x900, 0xdff],
  [0xe00, 0x10ff],
  [0x1100, 0x139f],
  [0x13a0, 0x18af],
  [0x1900, 0x1cff],
  [0x1e00, 0x20cf],
  [0x2100, 0x2bff],
  [0x2c00, 0x2dff],
  [0x3000, 0x31ff],
  [0x3400, 0x9fff],
  [0xa000, 0xabff],
  [0xac00, 0xd7ff],
  [0xd800, 0xdfff], // lone surrogates
  [0xe000, 0xffff],
  [0x10000, 0x10fff],
  [0x12000, 0x1342f],
  [0x1d000, 0x1e95f],
  [0x1f000, 0x1fbff],
  [0x20000, 0x2ffff],
];
const RUNS = [' ', '  ', '\n', '\n\n', '\t', ' \n', '\r\n', '\0', 'a', '=', '-', '0'];

/**
 * Random strings of up to some dozen parts: tokens of the vocabulary (special ones too, also cut), characters of every
 * block, runs of white space and controls.
 * @param texts of tokens
 */
export function* randomStrings(count, seed, texts) {
  const next = generator(seed);
  const below = (limit) => Math.floor(next() * limit);
  const special = texts.filter((text) => /^<.*>$/.test(text) && !/^<0x|^<unused/.test(text));
  const word = () => texts[below(texts.length)].replaceAll('▁', ' ');
  const character = () => {
    const [from, to] = BLOCKS[below(BLOCKS.length)];
    const codePoint = from + below(to - from + 1);
    return codePoint < 0x10000 ? String.fromCharCode(codePoint) : String.fromCodePoint(codePoint);
  };
  const parts = [
    word,
    word,
    () => Array.from({length: 1 + below(6)}, character).join(''),
    () => RUNS[below(RUNS.length)].repeat(1 + below(below(8) === 0 ? 70 : 4)),
    () => {
      const text = special[below(special.length)];
      return below(3) > 0 ? text : text.slice(below(3), text.length - below(3));
    },
    () => `${below(10 ** (1 + below(9)))}`,
  ];
  for (let n = 0; n < count; n++) {
    yield Array.from({length: 1 + below(12)}, () => parts[below(parts.length)]()).join('');
  }
}

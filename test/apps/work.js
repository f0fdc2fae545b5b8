// Exceptions out of many frames (setjmp and longjmp), closures, garbage, regular expressions, sorting, numbers as text.
function deep(n, bottom) {
    return n === 0 ? bottom() : 1 + deep(n - 1, bottom);
}

function caught(n) {
    try {
        try {
            deep(n, function () { throw new Error("from " + n + " frames"); });
        } finally {
            count++;
        }
    } catch (e) {
        return e.message;
    }
}

var count = 0;
for (var i = 1; i <= 30; i++)
    print(caught(i), deep(i, function () { return i * i; }));

var state = 42;
function random() {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state;
}

var numbers = [];
for (i = 0; i < 3000; i++)
    numbers.push(random() / 1000);
numbers.sort(function (a, b) { return a - b; });
print(numbers[0], numbers[1499], numbers[2999], numbers.length, count);

var words = {}, text = "";
for (i = 0; i < 4000; i++)
    text += String.fromCharCode(97 + random() % 5) + (random() % 4 ? "" : " ");
text.replace(/[a-e]+/g, function (word) {
    words[word] = (words[word] || 0) + 1;
    return word;
});
var keys = Object.keys(words).sort();
print(keys.length, JSON.stringify(keys.slice(0, 12).map(function (word) { return [word, words[word]]; })));

var tree = null;
function insert(node, key) {
    if (!node)
        return { key: key, left: null, right: null };
    if (key < node.key)
        node.left = insert(node.left, key);
    else
        node.right = insert(node.right, key);
    return node;
}
function depth(node) {
    return node ? 1 + Math.max(depth(node.left), depth(node.right)) : 0;
}
for (i = 0; i < 2000; i++)
    tree = insert(tree, random() % 100000);
print(depth(tree), tree.key, Math.sin(state).toFixed(12), (state % 977 / 7).toExponential(9), 0.1 + 0.2);

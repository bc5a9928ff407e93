"""Knows what is secret in the texts of a capture, and how it is hidden.

**Learn, hide, repeat.** A capture is read twice. The first pass learns: it notes the session ids that
stand where ids stand. The second pass hides: it replaces ids by pseudonyms and removes credentials. A removed
secret may join two texts to another secret, so both passes are repeated until the second one changes nothing
(`captures/_redact.py`). Hence the result does not change if it is redacted again.

In a HAR that is valid, each string stands for itself: one round is enough if no string has a secret after it.

**Text is searched, not parsed.** A broken message must not leak, so no secret is found by parsing. There are
four ways to find one, and all of them search XML, header fields, JSON, URLs, forms and connection strings:

* by its name (`names.py`): a pattern finds the words of which names of secrets are made, and the name around
  such a word decides. The value ends where its line, attribute, string or parameter ends (`secrets.py`), or
  its element (`markup.py`);
* by its shape (`shapes.py`): a JSON Web Token is one wherever it stands;
* because it is a known id (`pseudonyms.py`), in any letter case, in hexadecimal or in base64;
* because the text begins in the middle of a tag or an element (`markup.py`).

The text between tags is searched again with its escapes replaced (`escapes.py`), six deep, as
captures are read.

**The formats find the texts.** The function `redact` of a format (`captures/_formats/`) walks over a capture
of any kind, whole or damaged, and gives each text to an editor. It decides what is one text: a body without
its codings, the string of a JSON member, an entry of an archive. A format never asks which pass it is.

**What was searched is remembered.** Most words and strings of a capture occur very often, and the pass that
hides asks the same of a text as the one that learns. The names remember which words tell nothing, and what
they told of a text (`names.py`). A pass remembers the texts (`editor.py`) and the objects and arrays of JSON
(`json_strings.py`) that have no secret.

The terms:

* An *editor* is one pass. A *learner* notes ids and changes nothing; a *hider* changes texts and counts the
  changes (`editor.py`).
* An *edit* is a range of a text that is secret, with the id in it, if it is one. `find` returns the edits of
  a text, and a hider chooses those that do not overlap (`edits.py`).
* A *table* has the pseudonym of each id, or of each user; the *needles* are its ids, to search for
  (`pseudonyms.py`).
* A *folded* text is equal for all spellings in letter case and white space. An *expanded* text has its
  escapes replaced, and knows the offsets in the original (`escapes.py`).
* A *place* is the name of the message or entry that a change is reported for.
* The *head* is the start line and the header fields of an HTTP message.
* A text *begins* a message if it is the first text of one. A capture may lack its beginning, and then the
  text may begin in the middle of a secret: the rest of a known id, and the rest of a tag or an element, are
  secrets at the beginning of a message.
* Content is *unsearchable*, and removed, if no text can be found in it: a binary format, damaged gzip,
  anything beyond the limits.

`json_strings.py` walks over the strings of JSON. Any string that is base64 is decoded and searched too,
whatever its member is called.
"""

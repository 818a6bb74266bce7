"use strict";
// Elements made and added: what the scripts of tables and of traces share.
const Elements = (() => {
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // A script or a style sheet put into the head; rejected where it is not there.
  const added = (element) => new Promise((done, failed) => {
    element.addEventListener("load", done);
    element.addEventListener("error", () => failed(new Error("not there")));
    document.head.append(element);
  });

  return { make, added };
})();

/** Rules that every machine begins with, in this order: what their states allow is found out once for a vocabulary, not for each grammar. */
export const [BLANK, STRING, NUMBER, INTEGER, BOOLEAN, NULL, OBJECT, ARRAY, VALUE, THOUGHT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

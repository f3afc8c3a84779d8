/** How often each token of a text has come: parallel lists, which are walked at every token of a long text. */
export class TokenCounts {
  readonly tokenIds: number[] = [];
  readonly counts: number[] = [];
  private readonly places = new Map<number, number>();

  add(tokenId: number): void {
    const place = this.places.get(tokenId);
    if (place === undefined) {
      this.places.set(tokenId, this.tokenIds.length);
      this.tokenIds.push(tokenId);
      this.counts.push(1);
    } else {
      this.counts[place]!++;
    }
  }
}

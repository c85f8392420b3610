/** A queue whose members may leave it before it is their turn, as most of them do. See `transients.ts` for why it is no Set. */

interface Place<Member> {
  member: Member | undefined;
}

/** Places that were left are cleared away when there are more of them than of the others, and so many. */
const LEFT_MAX = 32;

export class Turns<Member extends object> {
  #places: Place<Member>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What it gives takes the member out again, and may be called at any time. */
  add(member: Member): () => void {
    const place: Place<Member> = { member };
    this.#places.push(place);
    this.#size += 1;
    return () => {
      if (place.member === undefined) return;
      place.member = undefined;
      this.#size -= 1;
      if (this.#places.length > 2 * this.#size + LEFT_MAX)
        this.#places = this.#places.filter((other) => other.member !== undefined);
    };
  }

  /** Takes out who has waited longest. */
  next(): Member | undefined {
    for (let place = this.#places.shift(); place !== undefined; place = this.#places.shift()) {
      const { member } = place;
      if (member === undefined) continue;
      place.member = undefined;
      this.#size -= 1;
      return member;
    }
    return undefined;
  }
}

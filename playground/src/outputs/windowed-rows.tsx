import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows drawn above and below what is seen, so that fast scrolling finds them there. */
const OVERSCAN = 12;

interface WindowedRowsProps {
  count: number;
  row: (index: number) => ComponentChildren;
  /** Whether the end is kept in sight while rows are added, as long as the reader has not scrolled away from it. */
  follow: boolean;
  label: string;
  class: string;
}

/**
 * A scrolled region of rows of one height, of which only those in sight are in the document. The height of a row is the
 * region's line height.
 */
export function WindowedRows({ count, row, follow, label, class: name }: WindowedRowsProps) {
  const region = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [scrollTop, setScrollTop] = useState(0);
  const [{ height, rowHeight }, setSize] = useState({ height: 480, rowHeight: 20 });

  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return;
    const measure = () =>
      setSize({
        height: element.clientHeight,
        rowHeight: Number.parseFloat(getComputedStyle(element).lineHeight) || 20,
      });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);

  const following = follow && atEnd.current;
  useLayoutEffect(() => {
    if (following && region.current) region.current.scrollTop = region.current.scrollHeight;
  }, [following, count, height, rowHeight]);

  const top = following ? Math.max(0, count * rowHeight - height) : scrollTop;
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);

  return (
    <div
      ref={region}
      class={`windowed-rows ${name}`}
      role="region"
      aria-label={label}
      tabIndex={0}
      onScroll={({ currentTarget }) => {
        const left =
          currentTarget.scrollHeight - currentTarget.clientHeight - currentTarget.scrollTop;
        atEnd.current = left < rowHeight;
        setScrollTop(currentTarget.scrollTop);
      }}
    >
      <div class="windowed-rows-space" style={{ height: `${count * rowHeight}px` }}>
        <div class="windowed-rows-seen" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {indices.map((index) => row(index))}
        </div>
      </div>
    </div>
  );
}

import { useEffect, useState } from "preact/hooks";

/** `29 min`, `2 h`, `less than a minute`. */
export function timeLeftWords(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

const COUNT_EVERY_MS = 10_000;

/** How long a session lasts when nothing more happens in it. */
export function TimeLeft({ expiresAt }: { expiresAt: string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), COUNT_EVERY_MS);
    return () => clearInterval(timer);
  }, [expiresAt]);
  return (
    <time dateTime={expiresAt} title={`Ends ${new Date(expiresAt).toLocaleString()} if unused`}>
      {timeLeftWords(Date.parse(expiresAt) - now)} left
    </time>
  );
}

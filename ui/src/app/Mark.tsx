// The mark: a lighthouse. Drawn by hand, so that it needs no request and follows the text's size.

export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#0f2a3d" />
      <path d="M14.2 9.5 2 5.5v7.6l12.2-1.6zM17.8 9.5 30 5.5v7.6l-12.2-1.6z" fill="#f2b33d" opacity=".55" />
      <path d="M13 8.2 16 5l3 3.2v4.3h-6z" fill="#f2b33d" />
      <path d="M13.2 14h5.6l1.8 12h-9.2z" fill="#f4f7f9" />
      <path d="M12.6 18.2h6.8l.5 3.4h-7.8z" fill="#d9483b" />
      <path d="M9 26h14v2.2H9z" fill="#f4f7f9" />
    </svg>
  );
}
